"""What tests of the command line may ask for."""

import pytest

from tests.cli.shell import Shell
from tests.house import House


@pytest.fixture
def shell(house: House) -> Shell:
    """The `coalition` command on a house, on both engines."""
    return Shell(house)
