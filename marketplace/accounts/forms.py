"""The forms of sign-in."""

from __future__ import annotations

from wtforms import PasswordField, StringField

from marketplace.web.forms import AtMost, BaseForm, Needed, clean_line


class SignInForm(BaseForm):
    """E-mail address and password."""

    email = StringField(
        "E-mail address",
        filters=[clean_line],
        validators=[Needed("Enter your e-mail address"), AtMost(254)],
        render_kw={"type": "email", "autocomplete": "username", "spellcheck": "false"},
    )
    password = PasswordField(
        "Password",
        validators=[Needed("Enter your password"), AtMost(128)],
        render_kw={"autocomplete": "current-password"},
    )
