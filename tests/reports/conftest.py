from collections.abc import Iterator

import pytest

from tests.reports.browser import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of pages."""
    window = Browser()
    yield window
    window.close()
