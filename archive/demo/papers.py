"""The demo company's papers: which forms, by whom, about whom, and how far each one came.

``day`` counts working days before the demo is made. ``way`` tells what becomes of the draft;
``all`` stands for every signature of the form, ``file`` for the four steps of filing; ``ask_seal``
submits a paper that is to be sealed, and ``seal`` puts the seal on.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from archive.demo import desk_work, wording
from archive.demo.firms import BY_SHORT, REGISTERED, WON, Firm
from archive.demo.staff import PEOPLE
from archive.demo.stage import Act, Paper, Stage, Values
from doc_templates import Form, list_forms, load_form

MOST_OTHERS = 10  # of the forms without a part in the story, so many are signed and filed
_AUTHORS = ("linxiaoyu", "hezihan", "tangyifan")
_FILE = ("appraise", "classify", "catalogue", "shelve")
_IN_RUN = {"submit", "ask_seal", "sign", "seal", "return", "reject", "withdraw"}
_SOON = {("mend", "submit"), ("", "submit"), ("", "ask_seal"), ("submit", "withdraw")}
_BESIDE = {"mend": desk_work.mend, "enrich": desk_work.enrich_customer}
_MORNING, _DESK, _NOON = 9 * 60, 10 * 60, 11 * 60

_TABLE = """
E01-01 linxiaoyu 云渡机械 300 submit all file
E01-02 hezihan 青禾仪表 292 submit all file
E01-03 tangyifan 北岸泵阀 285 submit all file
E01-04 linxiaoyu 松间包装 276 submit all file
E01-05 hezihan 朗月电子 268 submit all file
E01-06 tangyifan 望楼自动化 259 submit all file
E01-07 linxiaoyu 海棠湾食品机械 60 submit all file
E01-08 hezihan 泉畔环保 57 submit all file
E01-09 tangyifan 江汀医械 53 submit all file
E01-10 linxiaoyu 橘洲头新能源 49 submit all file
E01-11 hezihan 锦里汇装备 44 submit all file
E01-12 linxiaoyu 两江源汽配 39 submit all file
E01-13 tangyifan 鹭汀纺织 34 submit all file
E01-14 hezihan 启澜陶机 27 submit all file
E01-15 linxiaoyu 星垣模具 21 submit all file
E01-16 tangyifan 中原渡物流 31 submit sign return mend submit all file
E01-17 linxiaoyu 春潮阀门 12 submit all appraise classify catalogue
E01-18 hezihan 云岫光学 9 submit all appraise
E01-19 tangyifan 石塘铝业 8 submit all
E01-20 linxiaoyu 白鹭洲医药 1 submit
E01-21 hezihan 南湾机器人 3 submit sign
E01-22 tangyifan 湘水重机 4 submit sign sign
E01-23 linxiaoyu 蜀道轨道 6 submit sign return
E01-24 hezihan 汉江米业 14 submit sign sign reject
E01-25 tangyifan 运河文具 2 unfinished
E01-26 linxiaoyu 天目竹业 1
E01-27 hezihan 滨海化纤 5 submit withdraw
E05-01 linxiaoyu 汀兰印务 296 submit all file
E05-02 hezihan 拾光照明 272 submit all file
E05-03 linxiaoyu 远帆船舶 262 submit all file
E05-04 linxiaoyu 百川水务 52 submit all file
E05-05 linxiaoyu 津沽电梯 41 submit all file
E05-06 hezihan 雪松木业 29 submit all file
E05-07 tangyifan 燕归园林 19 ask_seal all seal file
E05-08 hezihan 太行石材 7 ask_seal all
E05-09 linxiaoyu 祁连风电 2 submit
E05-10 linxiaoyu 沈水重工 10 submit return
E05-11 tangyifan 浦江水泵 3
E10-01 linxiaoyu - 280 submit all file
E10-02 tangyifan - 51 submit all file
E10-03 hezihan - 50 submit all file
E10-04 linxiaoyu - 48 submit all file
E10-05 tangyifan - 28 submit all file
E10-06 hezihan - 27 submit all
E10-07 linxiaoyu - 25 submit all file
E10-08 tangyifan - 5 submit sign sign
E10-09 hezihan - 4 submit sign sign sign
E10-10 linxiaoyu - 2 submit sign
"""
_VALUES: Mapping[str, Values] = {
    "E01": wording.report_of_new_customer,
    "E05": wording.contract,
    "E10": wording.monthly_report,
}


def story_papers() -> tuple[Paper, ...]:
    """Return the papers of the table, then one of every other form there is."""
    rows = [line.split() for line in _TABLE.strip().splitlines()]
    known = tuple(
        _paper(key, author, REGISTERED[0] if short == "-" else BY_SHORT[short], day, way)
        for key, author, short, day, *way in rows
    )
    return known + tuple(_other_papers())


def paper_acts(paper: Paper, place: int) -> Iterator[Act]:
    """Yield what happens to a paper, in order; ``place`` keeps papers from one same minute."""
    odd = place * 7 % 45
    day, minute, nth = paper.day, _MORNING + odd, 0
    yield Act(day, minute, partial(desk_work.fill, paper=paper))
    signs_first = load_form(paper.form).chain[0].candidate == "submitter"
    before = ""
    for word in paper.way:
        if word == desk_work.UNFINISHED:
            continue
        if before == "submit" and word == "sign" and signs_first:
            minute += 5
        elif (before, word) in _SOON:
            minute += 25
        elif word in _FILE and before in _FILE:
            minute += 5
        elif word == "enrich":
            minute += 180
        else:
            day, minute = day - 1, (_DESK if word in _FILE else _NOON) + odd
        yield Act(day, minute, _doing(paper, word, nth))
        nth += word in _IN_RUN
        before = word


def _doing(paper: Paper, word: str, nth: int) -> Callable[[Stage], None]:
    if word in _IN_RUN:
        return partial(desk_work.signing_act, word, nth, paper=paper)
    if word in _FILE:
        return partial(desk_work.filing_act, _FILE.index(word), paper=paper)
    return partial(_BESIDE[word], paper=paper)


def _paper(key: str, author: str, firm: Firm, day: str, way: list[str]) -> Paper:
    form = load_form(key.partition("-")[0])
    enrich = ("enrich",) if firm in WON and form.code == "E01" else ()
    return Paper(
        key, form.code, author, firm, int(day), _whole(way, form) + enrich, _VALUES[form.code]
    )


def _whole(way: list[str], form: Form) -> tuple[str, ...]:
    """Return the way with ``all`` and ``file`` written out."""
    longer = {"all": ("sign",) * len(form.chain), "file": _FILE}
    return tuple(step for word in way for step in longer.get(word, (word,)))


def _other_papers() -> Iterator[Paper]:
    """Yield a paper of each form without a part in the story: some filed, the rest drafts."""
    filed = 0
    forms = [form for form in list_forms() if form.by_hand and form.code not in _VALUES]
    for place, form in enumerate(forms):
        goes_through = filed < MOST_OTHERS and _can_be_signed(form)
        filed += goes_through
        yield Paper(
            key=f"{form.code}-01",
            form=form.code,
            author=_AUTHORS[place % len(_AUTHORS)],
            firm=REGISTERED[place % len(REGISTERED)],
            day=46 - place % 20,
            way=_whole(["submit", "all", "file"], form) if goes_through else (),
            values=partial(wording.sample_paper, form),
        )


def _can_be_signed(form: Form) -> bool:
    """Say whether the company has someone for every step of the form."""
    held = {f"role:{role}" for person in PEOPLE for role in person.roles}
    offices = {"submitter", "head", "leader"} | held
    return bool(form.chain) and all(signer.candidate in offices for signer in form.chain)
