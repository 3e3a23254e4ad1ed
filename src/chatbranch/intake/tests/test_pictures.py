"""Pictures are on the disk for as long as something refers to them, and no longer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from tests.support.people import found_branch, inbound

from chatbranch.cases import actions as cases
from chatbranch.cases.files import path_of
from chatbranch.cases.models import Case, Variant
from chatbranch.intake import actions as intake
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock, files
from chatbranch.kernel.errors import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
ANOTHER_DAY = timedelta(days=1, minutes=1)


def picture(number: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + number.to_bytes(64, "big")


def kept() -> list[Path]:
    return [path for path in Path(settings.FILES_DIR).rglob("*") if path.is_file()]


def test_of_a_flood_no_picture_is_written() -> None:
    with clock.held(clock.now()):
        for place in range(20):
            intake.do_accept(inbound("", asker="fast", images=(picture(place),)))
        with pytest.raises(Refused, match="too-many"):
            intake.do_accept(inbound("", asker="fast", images=(picture(99),)))
    assert len(kept()) == 20


def test_of_a_message_that_is_refused_no_picture_is_written() -> None:
    with pytest.raises(Refused, match="not-image"):
        intake.do_accept(inbound("", images=(picture(1), b"MZ a program")))
    assert kept() == []


def test_a_picture_that_nothing_refers_to_goes_after_a_day_and_the_others_stay() -> None:
    intake.do_check(inbound("", images=(picture(1),)))
    waiting = intake.do_accept(inbound("", images=(picture(2),)))
    members = found_branch()
    cases.do_keep_file(b"a file brought as evidence")
    cases.do_add_evidence(members["lin"], Case.objects.get(), file=b"a file brought as evidence")
    orphan = cases.do_keep_file(picture(3))
    intake.do_tidy()
    assert path_of(orphan).exists(), "the row that will refer to it may be on its way"
    with clock.held(clock.now() + ANOTHER_DAY):
        intake.do_tidy()
    assert not path_of(orphan).exists()
    assert len(kept()) == 3
    intake.do_answer(waiting.id)
    assert all(path_of(name).exists() for name in Variant.objects.values_list("image", flat=True))


def test_what_a_submission_that_cannot_be_opened_held_stops_no_care() -> None:
    waiting = intake.do_accept(inbound("", images=(picture(2),)))
    Submission.objects.filter(pk=waiting.pk).update(sealed=b"\x00" * 40)
    with clock.held(clock.now() + ANOTHER_DAY):
        intake.do_tidy()
    assert kept() == []


def test_a_picture_that_comes_again_is_young_again() -> None:
    orphan = cases.do_keep_file(picture(1))
    with clock.held(clock.now() + ANOTHER_DAY):
        assert cases.do_keep_file(picture(1)) == orphan
    path = path_of(orphan)
    assert clock.now().timestamp() - path.stat().st_mtime < 60


def test_a_picture_that_comes_again_while_it_is_being_deleted_is_there_afterwards(tmp_path: Path) -> None:
    name = files.keep(tmp_path, picture(1))
    days = ANOTHER_DAY.total_seconds()

    def comes_again(old: list[str]) -> list[str]:
        assert old == [name]
        import os

        os.utime(files.path_of(tmp_path, name), (clock.now().timestamp() + days,) * 2)
        return []

    with clock.held(clock.now() + ANOTHER_DAY):
        assert files.sweep(tmp_path, comes_again, 86_400.0) == 0
    assert files.path_of(tmp_path, name).read_bytes() == picture(1)


def test_what_a_crash_left_of_a_deletion_or_of_a_writing_is_seen_to(tmp_path: Path) -> None:
    name = files.keep(tmp_path, picture(1))
    path = files.path_of(tmp_path, name)
    path.rename(path.with_suffix(".gone"))
    path.with_suffix(".4711.new").write_bytes(b"half a pict")
    with clock.held(clock.now() + ANOTHER_DAY):
        assert files.sweep(tmp_path, lambda names: names, 86_400.0) == 1
    assert [each.name for each in path.parent.iterdir()] == [name]


def test_every_column_that_names_a_kept_file_is_known_to_the_care() -> None:
    named = {
        f"{table._meta.label}.{field.name}"
        for table in apps.get_models()
        for field in table._meta.get_fields()
        if isinstance(field, models.CharField)
        and field.name in ("file", "image", "picture", "copy", "sha256")
    } - {"branch.Signature.sha256", "branch.Sighting.sha256", "conduct.Evidence.sha256"}  # hashes of texts
    assert named == {"cases.Variant.image", "cases.Evidence.file", "cases.Evidence.sha256"}
