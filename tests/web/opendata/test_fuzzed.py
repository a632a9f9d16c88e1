"""The published document drives the service: no generated request ends in an error of ours or another shape."""

from __future__ import annotations

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from sqlalchemy.orm import Session

from marketplace.opendata.limits import Limiter
from tests.web.opendata.world import make_world

CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
def test_no_generated_request_breaks_what_the_document_promises(
    app: Flask, session: Session, mode: GenerationMode
) -> None:
    make_world(session)
    app.extensions["open_data_limiter"] = Limiter(10**9)
    schema = schemathesis.openapi.from_wsgi("/open/v1/openapi.json", app)
    seen = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters):
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def run(case: schemathesis.Case) -> None:
            response = case.call()
            seen.add(response.status_code)
            case.validate_response(response, checks=list(CHECKS))

        run()
    assert 200 in seen if mode is GenerationMode.POSITIVE else 400 in seen
