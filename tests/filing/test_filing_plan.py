"""The filing plan: classes and terms as data that cannot contradict itself."""

import pytest

from archive.filing.plan import load_plan, parse_plan
from doc_templates import list_forms

PLAN = """
version = 1
default_class = "合同"
default_room = "新件架"
[categories]
KH = "客户档案"
[terms]
Y = "永久"
D30 = "30年"
D10 = "10年"
[[class]]
name = "合同"
category = "KH"
retention = "D30"
minimum = "D30"
basis = "约定"
"""


def test_every_shipped_form_belongs_to_a_class_of_the_plan():
    plan = load_plan()
    for form in list_forms():
        filing = form.filing
        assert filing.item_class in plan.classes, form.code
        assert filing.category[:2] in plan.categories, form.code
        assert plan.outlasts(filing.retention, plan.classes[filing.item_class].minimum), form.code


def test_terms_run_from_long_to_short():
    plan = load_plan()
    assert plan.outlasts("Y", "D30")
    assert plan.outlasts("D30", "D30")
    assert not plan.outlasts("D10", "D30")


def test_categories_are_told_in_words():
    assert load_plan().category_title("KH·02") == "客户档案（02）"


def test_an_unknown_class_falls_back_to_the_default():
    assert parse_plan(PLAN).class_or_default("没有").name == "合同"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('default_class = "合同"', 'default_class = "别的"', "缺省类目"),
        ('category = "KH"', 'category = "QQ"', "门类"),
        ('retention = "D30"', 'retention = "D10"', "短于"),
        ('minimum = "D30"', 'minimum = "D99"', "保管期限"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(old, new, why):
    with pytest.raises(ValueError, match=why):
        parse_plan(PLAN.replace(old, new, 1))
