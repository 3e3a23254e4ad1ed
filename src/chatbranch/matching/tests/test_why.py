"""Every value an answer was decided by has a name that a reader understands."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils import translation

from chatbranch.matching import rules
from chatbranch.matching.templatetags.why import FEATURES, RULES, feature_said, rule_said


def test_every_feature_the_matcher_weighs_is_explained() -> None:
    fitted = rules.load_fitted()
    weighed = {
        name for each in (fitted.english, fitted.chinese) for name in (*each.rank.names, *each.answer.names)
    }
    assert weighed
    assert weighed - set(FEATURES) == set()


def test_every_rule_that_decides_is_explained() -> None:
    decided = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', Path(rules.__file__).read_text("utf-8")))
    assert "guard-conflict" in decided
    assert decided - set(RULES) == set()


def test_what_is_not_known_is_shown_by_its_own_name() -> None:
    with translation.override("en"):
        assert feature_said("some_feature") == "some feature"
        assert rule_said("some-rule") == "some-rule"
        assert feature_said("bm25").startswith("weight of shared words")
