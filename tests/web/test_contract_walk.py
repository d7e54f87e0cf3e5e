"""Every call of the contract (openapi.json) does what it is for, twice, and refuses what is bent.

A story (``story/``) leads the small company through everything the API can do; each call is asked
there by who may, about things that are there. The right answer, that to the same once more, that to
every bent body, and what everybody else gets to read: none is a 5xx, all are as the contract says.
"""

import shutil

import pytest

from archive.app import configure
from tests.conftest import DATABASE, FrozenClock, QuickConverter, _opened
from tests.web.contract_walker import Walker, contract_of
from tests.web.story.filing import filing
from tests.web.story.keeping import keeping
from tests.web.story.lending import lending
from tests.web.story.papers import papers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def walked(settled, built_app, tmp_path_factory):
    """The walk through the whole story."""
    database, company = settled
    folder = tmp_path_factory.mktemp("walked")
    shutil.copyfile(database, folder / DATABASE)
    resources = _opened(folder, QuickConverter(), FrozenClock())
    configure(built_app.app, resources)
    walker = Walker(*contract_of(built_app.app), resources, company)
    for part in (papers, filing, lending, keeping):
        part(walker)
    yield walker
    walker.kept.close()
    resources.database.dispose()


def test_every_call_was_answered(walked):
    """A new call is placed in the story, where what it is about is there."""
    assert walked.operations.keys() - walked.answered == set()


def test_no_answer_differs_from_the_contract(walked):
    assert walked.wrong == [], "\n\n".join(walked.wrong)
    assert walked.bent > 3000
