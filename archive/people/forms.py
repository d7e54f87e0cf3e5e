"""The pages to fill at the door and in user administration."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, Length

from archive.people.rights import INTERNAL, ROLES, SECRECY


class LoginForm(FlaskForm):
    """Name and password."""

    username = StringField("用户名", [DataRequired("请填写用户名"), Length(max=80)])
    password = PasswordField("密码", [DataRequired("请填写密码"), Length(max=200)])


class PasswordForm(FlaskForm):
    """The present password and a new one, twice."""

    current = PasswordField("现在的密码", [DataRequired("请填写现在的密码"), Length(max=200)])
    new = PasswordField(
        "新密码", [DataRequired("请填写新密码"), Length(10, 200, message="10 到 200 个字符")]
    )
    again = PasswordField("再输一遍新密码", [EqualTo("new", "两次输入的新密码不一样")])


class UserForm(FlaskForm):
    """What administrators enter about a user; each sees what is theirs to change."""

    username = StringField("用户名", [DataRequired("请填写用户名"), Length(max=40)])
    staff_no = StringField("工号", [DataRequired("请填写工号"), Length(max=20)])
    name = StringField("姓名", [DataRequired("请填写姓名"), Length(max=40)])
    email = StringField("电子邮箱", [Length(max=120)])
    position = StringField("岗位", [Length(max=40)])
    department_id = SelectField("部门", coerce=int)
    roles = SelectMultipleField("角色", choices=[SelectChoice(*role) for role in ROLES.items()])
    clearance = SelectField(
        "可看密级",
        coerce=int,
        default=INTERNAL,
        choices=[SelectChoice(str(rank), label) for rank, label in enumerate(SECRECY)],
    )

    def keep_only(self, *, account: bool, place: bool, rights: bool) -> None:
        """Take out the entries that are another administrator's."""
        parts = (
            (account, ("username", "staff_no", "name", "email")),
            (place, ("department_id", "position")),
            (rights, ("roles", "clearance")),
        )
        for key in (key for is_theirs, keys in parts if not is_theirs for key in keys):
            delattr(self, key)
