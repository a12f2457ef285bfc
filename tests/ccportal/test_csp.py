from __future__ import annotations

import re

import pytest
from django.test import Client


def directives(client: Client, path: str) -> dict[str, str]:
    header = client.get(path).headers["Content-Security-Policy"]
    return dict(directive.split(" ", 1) for directive in header.split("; "))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/v2/nothing-here", "/nothing-here"])
def test_nothing_runs_inline_and_nothing_comes_from_elsewhere(client: Client, path: str) -> None:
    allowed = directives(client, path)
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == "'self'"
    assert re.fullmatch(r"'self'( 'nonce-[\w-]{20,}')?", allowed["style-src"])
    assert allowed["frame-ancestors"] == "'none'"
    assert "http" not in " ".join(allowed.values())


@pytest.mark.django_db
def test_only_the_admin_may_evaluate_its_attributes(client: Client) -> None:
    allowed = directives(client, "/admin/login/")
    assert allowed["script-src"] == "'self' 'unsafe-eval'"
    assert allowed["default-src"] == "'none'"


@pytest.mark.django_db
def test_a_page_admits_its_own_styles_once(client: Client) -> None:
    first, second = (client.get("/nothing-here") for _ in range(2))
    nonces = [re.findall(r'nonce="([^"]+)"', page.content.decode()) for page in (first, second)]
    assert nonces[0] != nonces[1]
    for page, (nonce, *others) in zip((first, second), nonces, strict=True):
        assert set(others) <= {nonce}
        assert f"'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
