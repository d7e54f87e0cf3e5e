"""Every column that holds text, placed: what people write in it, or why nobody does.

``tests/web/test_markup_everywhere.py`` writes markup into the first and fails for a column that
is in neither. JSON counts as text: the words in it are written over, its keys stay.
"""

from sqlalchemy import JSON, String

# Table: columns with what people typed, sent in a file, or a file's name.
WRITTEN = {
    "access_grant": "reason withdrawn_why",
    "account_notice": "text",
    "api_token": "name",
    "appraisal": "note reason",
    "appraisal_line": "why",
    "appraisal_opinion": "reason",
    "calendar_day": "note",
    "check_finding": "detail note",
    "check_run": "why summary",
    "company_seal": "name note",
    "controlled_copy": "note",
    "controlled_document": "number title",
    "controlled_notice": "text",
    "controlled_refusal": "reason",
    "controlled_version": "label note",
    "copy_move": "from_text to_text reason",
    "customer": "number name short_name initials credit_code legal_person address factory_address"
    " phone factory_phone region remark",
    "department": "name",
    "desk_act": "message",
    "disposal_line": "title note files",
    "disposal_list": "note cooling_basis receiver receiver_name reason",
    "disposal_witness": "method location",
    "file_content": "facts signature",
    "filing_step": "note",
    "form_version": "title remarks note",
    "handover_line": "number title author_name files",
    "handover_list": "note",
    "handover_return": "reason",
    "intake_batch": "title common",
    "intake_file": "name own suggested again note",
    "intake_refusal": "reason",
    "item": "external_id title document_number responsible text note elements",
    "item_copy": "location",
    "item_file": "name",
    "item_move": "reason",
    "item_version": "reason before after",
    "legal_hold": "reason lift_reason",
    "loan": "rule condition recall_reason",
    "loan_approval": "opinion",
    "loan_grant": "end_reason",
    "loan_group": "purpose business_reference",
    "loan_incident": "report responsible decision",
    "loan_notice": "text",
    "loan_refusal": "purpose business_reference reasons",
    "loan_request": "purpose business_reference decision closing_note",
    "loan_rule": "place basis",
    "loan_sheet": "pages recipient stamp",
    "loan_visit": "name unit letter_number id_number purpose",
    "login_session": "address agent",
    "opinion_phrase": "text",
    "outside_identity": "subject",
    "own_certificate": "issuer",
    "paper_proof": "why",
    "past_search": "text",
    "profile": "value",
    "quarantine": "reason accept_reason",
    "record": "title content participants state_note",
    "record_correction": "cited_number cited_code reason",
    "record_version": "content reason",
    "saved_search": "name text filters",
    "seal_outing": "where_to why note",
    "seal_use": "title why approved_by note",
    "search_entry": "title body description",
    "sign_in_entry": "address agent",
    "signing_act": "opinion filled",
    "signing_delegation": "reason",
    "signing_invitation": "party contact name phone address browser reason",
    "signing_step": "role note",
    "signing_task": "role",
    "stocktake": "scope_text note end_note",
    "stocktake_decision": "home_text seen_text note",
    "stocktake_line": "location",
    "stocktake_scan": "barcode place_text home_text",
    "storage_place": "name path",
    "synonym_group": "words",
    "task": "title message memory result",
    "task_file": "name note",
    "user": "staff_no name email position",
    "volume": "title",
    "volume_seal": "note reason",
}
# Columns (of any table with *) that nobody writes in, by what is in them instead.
NOT_WRITTEN = {
    "digests, and names of bytes by them": "*.sha256 *.digest *.image_sha256 *.pdf_sha256 *.hash"
    " *.token_hash *.code_hash *.pin_hash *.password_hash *.content_digest *.token_digest"
    " *.code_digest *.before_sha256 *.source_sha256 *.signed_sha256 *.letter_sha256 *.out_digest"
    " *.out_picture *.back_digest *.back_picture *.template_digest *.previous_hash *.root *.peaks"
    " *.told",
    "a word from a list of ours": "*.kind *.state *.status *.mode *.method *.retention *.action"
    " *.act *.outcome *.stage *.verdict *.step *.scope *.scope_kind"
    " *.source *.origin *.level *.wanted *.late *.out_way *.back_way *.id_kind *.sort"
    " *.secrecy *.cooperation *.media_type *.letter_type *.provider *.refusal *.series"
    " *.lease_owner *.new_term *.received_how *.ended_how *.released_how *.item_class"
    " *.form_code *.category *.borrower_class role_grant.role item_file.role task_file.role"
    " signing_invitation.role appraisal_opinion.opinion stocktake_decision.decision"
    " signing_step.candidate loan_approval.candidate journal_entry.object_type desk_act.barcode"
    " check_run.day journal_checkpoint.day check_finding.code quarantine.codes",
    "numbers and keys that we give": "*.key *.client_id *.draft_key *.import_key *.lineage *.target"
    " *.id *.serial *.certificate_serial *.token item.unit volume.unit volume.fonds item.code_order"
    " item.provisional_code item.reference_code item_move.from_code item_move.to_code"
    " disposal_line.code department.code form_version.code loan_rule.code verify_code.code"
    " storage_place.barcode item_copy.barcode stocktake_line.barcode stocktake_decision.barcode"
    " journal_entry.object_id record.number appraisal.number handover_list.number"
    " disposal_list.number stocktake.number loan_request.number loan_group.number loan_visit.number"
    " loan_sheet.number loan_incident.number",
    "for us to reckon with; on no page": "customer.match_key customer.phone_keys"
    " customer.search_text outbox.payload outbox.last_error saved_search.known saved_search.fresh"
    " task.params disposal_line.shared stocktake.counts password_try.username password_try.address"
    " account_lock.address loan_page_seen.address loan_rule.approvals loan_rule.conditions",
    "checked as a whole by its chain, its key or its reader": "journal_entry.at"
    " journal_entry.detail *.certificate_pem person_certificate.encrypted_key_pem"
    " plan_version.content plan_version.reason form_version.definition form_version.sample"
    " form_version.tags",
    "letters and digits alone, by their check": "user.username api_token.scope",
}


def text_columns(metadata):
    """Yield every column that may hold words."""
    for table in metadata.sorted_tables:
        yield from (one for one in table.columns if isinstance(one.type, String | JSON))


def written():
    """Return the columns that people write in."""
    return {f"{table}.{name}" for table, names in WRITTEN.items() for name in names.split()}


def why_not_written(column):
    """Return why nobody writes in a column; "" when no reason is given."""
    names = {str(column), f"*.{column.name}"}
    return next((why for why, listed in NOT_WRITTEN.items() if names & set(listed.split())), "")
