"""What is kept knows no form: these tests start with empty tables and an empty journal."""

import pytest

from archive.core.resources import Resources


@pytest.fixture
def resources(bare: Resources) -> Resources:
    return bare
