"""The API keeps to its own description: driven from the OpenAPI document by schemathesis, against the running branch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from chatbranch.intake.openapi import DESCRIPTION
from tests.support.house import House, open_house

schema = schemathesis.openapi.from_dict(DESCRIPTION)
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as running:
        yield running


@schema.parametrize()
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_to_its_description(case: Any, house: House) -> None:
    # a text may be well-formed and still hold nothing to check: emoji, spaces
    case.call_and_validate(base_url=house.url, excluded_checks=[positive_data_acceptance])
