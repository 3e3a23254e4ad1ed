"""The sentence encoder: pinned, normalised, replaceable."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from chatbranch.matching import encoder
from chatbranch.matching.encoder import Encoder, ModelUnusable

TEXTS = [
    "Garlic prevents colds.",
    "Eating garlic keeps you from catching a cold.",
    "The stock market fell on Monday.",
]


def test_vectors_have_length_one_and_put_paraphrases_together() -> None:
    vectors = Encoder.open().encode(TEXTS)
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]


def test_a_text_has_the_same_vector_alone_and_among_longer_ones() -> None:
    model = Encoder.open()
    together = model.encode([*TEXTS, " ".join(TEXTS) * 20])
    assert np.allclose(together[0], model.encode(TEXTS[:1])[0], atol=1e-4)


def test_addresses_and_handles_do_not_move_a_vector() -> None:
    plain, posted = Encoder.open().encode(
        ["Garlic prevents colds.", "Garlic prevents colds. @bot http://t.co/abc"]
    )
    assert plain @ posted > 0.99


def test_the_model_is_read_with_the_first_text_and_not_before() -> None:
    model = Encoder.open()
    assert model.digest
    assert model._in_memory is None
    model.encode(TEXTS[:1])
    assert model._in_memory is not None


def test_a_deployment_may_name_a_model_of_its_own(tmp_path: Path) -> None:
    shutil.copy(encoder._packaged_model(), tmp_path / "model.onnx")
    shutil.copy(encoder._TOKENIZER, tmp_path / "tokenizer.json")
    own = Encoder.open(tmp_path)
    assert own.digest == Encoder.open().digest
    assert np.allclose(own.encode(TEXTS), Encoder.open().encode(TEXTS))


def test_a_folder_without_a_usable_model_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelUnusable, match=str(tmp_path)):
        Encoder.open(tmp_path)


def test_files_other_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    changed = tmp_path / "tokenizer.json"
    changed.write_bytes(encoder._TOKENIZER.read_bytes() + b" ")
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json"):
        encoder._pinned(changed)
