"""What tests of letters may ask for."""

from collections.abc import Iterator

import pytest

from tests.mail.desk import Desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all letters; each letter brings a topic and an issue of its own."""
    made = Desk(tmp_path_factory.mktemp("desk") / "home")
    yield made
    made.close()
