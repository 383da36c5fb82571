"""Forms without session or cookie: a page's own signed stamp takes the place of a CSRF token."""

from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectMultipleField, StringField
from wtforms.csrf.core import CSRF
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from coalition.address import Address
from coalition.errors import BadAddress, BadToken
from coalition.languages import N_
from coalition.tokens import Purpose, Tokens


class PageStamp(CSRF):
    """Signs which page, for which row, a button stood on, and when. Good for a day."""

    def setup_form(self, form: Any) -> Any:
        self._tokens, self._subject = form.meta.csrf_context
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        return str(self._tokens.make(Purpose.PAGE, self._subject))

    def validate_csrf_token(self, form: Any, field: Field) -> None:
        try:
            if self._tokens.read(Purpose.PAGE, field.data or "") != self._subject:
                raise BadToken("another page's")
        except BadToken as error:
            raise ValidationError("This page was open for long: please press once more") from error


class StampedForm(FlaskForm):
    """The base of forms on pages that a mailed link opens."""

    class Meta(FlaskForm.Meta):
        csrf = True
        csrf_class = PageStamp
        csrf_field_name = "stamp"

    @classmethod
    def on(cls, tokens: Tokens, page: str, row: str, formdata: MultiDict[str, str] | None = None, **values: Any) -> Any:
        """The form as it stands on a page, for one row; with `formdata`, as it came back from there."""
        return cls(formdata=formdata, meta={"csrf_context": (tokens, f"{page}-{row}")}, **values)


class SignupForm(FlaskForm):
    """The sign-up form. It needs no stamp against forgery: whoever sends it causes one neutral letter at most.

    Its errors are in English, for `gettext` of the language that shows them.
    """

    class Meta(FlaskForm.Meta):
        csrf = False

    email = StringField("Your e-mail address")
    topics = SelectMultipleField(
        "Topics",
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,  # below, in our words
    )
    address: Address | None = None

    def validate_email(self, field: Field) -> None:
        try:
            self.address = Address.parse(field.data or "")
        except BadAddress as error:
            raise ValidationError(str(error)) from error

    def validate_topics(self, field: SelectMultipleField) -> None:
        offered, chosen = {choice[0] for choice in field.choices or ()}, set(field.data or ())
        if not chosen <= offered:
            raise ValidationError(N_("Choose from the topics on this page"))
        if not chosen and len(offered) > 1:
            raise ValidationError(N_("Choose at least one topic"))
