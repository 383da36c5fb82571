"""A store, and its page as a client sees it."""

import pytest
from flask.testing import FlaskClient

from coalition.mailbox.page import create_page
from coalition.mailbox.store import Store


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def browser(store: Store) -> FlaskClient:
    return create_page(store).test_client()
