"""Lending's front door for routes, commands, jobs and later stations.

The acts live by idea: ``requests`` (ask, withdraw, decide), ``approvals``, ``desk`` (hand out,
take back), ``register`` (the log), ``matrix`` (rules as rows); decisions are pure in ``rules``.
"""

from archive.lending.approvals import approve, decided_by, refuse, waiting_count, waiting_for
from archive.lending.beforehand import (
    cli_decision,
    decide,
    decision_as_json,
    preview,
    previews,
)
from archive.lending.desk import hand_out, scan, take_back, who_borrows, who_returns
from archive.lending.feeds import close_feed, has_feed, open_feed, read_feed
from archive.lending.matrix import all_rules, save_rule, seed_rules
from archive.lending.notices import mark_read, notices_for, unread_count
from archive.lending.queue import let_lapse
from archive.lending.recalls import at_home, recall
from archive.lending.register import (
    get_request,
    held_at_desk,
    item_panel,
    list_requests,
    loans_of_item,
    log_of_item,
    log_of_person,
    my_loans,
    open_loans,
    overdue_count,
    refusals,
    register,
)
from archive.lending.renewals import renew, renewal_decision
from archive.lending.requests import request_loan, withdraw
from archive.lending.trying import matrix_lines, try_rules, versions_of

__all__ = [
    "all_rules",
    "approve",
    "at_home",
    "cli_decision",
    "close_feed",
    "decide",
    "decided_by",
    "decision_as_json",
    "get_request",
    "hand_out",
    "has_feed",
    "held_at_desk",
    "item_panel",
    "let_lapse",
    "list_requests",
    "loans_of_item",
    "log_of_item",
    "log_of_person",
    "mark_read",
    "matrix_lines",
    "my_loans",
    "notices_for",
    "open_feed",
    "open_loans",
    "overdue_count",
    "preview",
    "previews",
    "read_feed",
    "recall",
    "refusals",
    "refuse",
    "register",
    "renew",
    "renewal_decision",
    "request_loan",
    "save_rule",
    "scan",
    "seed_rules",
    "take_back",
    "try_rules",
    "unread_count",
    "versions_of",
    "waiting_count",
    "waiting_for",
    "who_borrows",
    "who_returns",
    "withdraw",
]
