"""JSON answers: readable Chinese in UTF-8, and no failure on half a character."""


def test_chinese_stays_readable(app):
    assert "青岛海信" in app.json.dumps({"客户": "青岛海信"})


def test_half_a_character_is_written_as_an_escape(app):
    text = app.json.dumps({"备注": "半\ud800个"})
    assert app.json.loads(text.encode()) == {"备注": "半\ud800个"}
