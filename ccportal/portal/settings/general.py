"""Name, time zone and country of the account, and what its people may do."""

from __future__ import annotations

import zoneinfo
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from phonenumbers.geodata.locale import LOCALE_DATA

from accounts.models import Account
from accounts.validators import validate_words
from ccportal.portal.settings.dressed import Dressed
from ccportal.portal.settings.frame import AccountFormView

if TYPE_CHECKING:
    _AccountForm = forms.ModelForm[Account]
else:
    _AccountForm = forms.ModelForm

Choices = list[tuple[str, Any]]


@cache
def zones() -> Choices:
    """Every time zone, by continent; UTC first."""
    names = sorted(name for name in zoneinfo.available_timezones() if is_place(name))
    groups = groupby(names, key=lambda name: name.partition("/")[0])
    return [("UTC", "UTC"), *((area, [(name, in_words(name)) for name in found]) for area, found in groups)]


def is_place(name: str) -> bool:
    area = name.partition("/")
    return bool(area[2]) and area[0] not in ("Etc", "SystemV", "posix", "right", "US", "Canada", "Brazil")


def in_words(name: str) -> str:
    return name.partition("/")[2].replace("_", " ").replace("/", ", ")


@cache
def countries() -> Choices:
    """Every country whose numbers can be read, by name."""
    return sorted(
        ((code, country_name(code)) for code in phonenumbers.SUPPORTED_REGIONS), key=lambda each: each[1]
    )


def country_name(code: str) -> str:
    """Its English name; ``*aa`` says that it is called as in another language of the list."""
    names = LOCALE_DATA.get(code, {})
    name = str(names.get("en", code))
    return str(names.get(name[1:], code)) if name.startswith("*") else name


class WordsField(forms.CharField):
    """A list of words, written with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = [word.strip() for word in str(value or "").replace("\n", ",").split(",")]
        return list(dict.fromkeys(word for word in words if word))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class GeneralForm(Dressed, _AccountForm):
    custom_variables = WordsField(
        label="Channel variables to keep",
        required=False,
        max_length=4000,
        validators=[validate_words],
        help_text="With commas between them. What the switch says of them is kept with each leg.",
    )

    class Meta:
        model = Account
        fields = (
            "name",
            "time_zone",
            "country",
            "agents_may_listen",
            "reviewers_may_download",
            "second_step",
            "custom_variables",
        )
        labels = {
            "second_step": "Two-step sign-in is required of",
            "country": "Country",
            "agents_may_listen": "Agents may listen to their own calls",
            "reviewers_may_download": "Reviewers may download recordings",
        }
        help_texts = {
            "time_zone": "Every time in the portal is shown in it.",
            "country": "Numbers without a country code are read as its own.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, choices in (("time_zone", zones()), ("country", countries())):
            known = with_present(choices, self.initial.get(name))
            self.fields[name].widget = forms.Select({"class": "select"}, known)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if not name.isprintable():
            raise forms.ValidationError("Write the name on one line.")
        return name


def with_present(choices: Choices, value: Any) -> Choices:
    """The choices, and what stands there now if it is none of them."""
    offered = {key for key, rest in choices if isinstance(rest, str)}
    offered |= {key for _, rest in choices if isinstance(rest, list) for key, _ in rest}
    return choices if not value or value in offered else [(str(value), str(value)), *choices]


class GeneralView(AccountFormView):
    tab = "settings"
    template = "portal/settings/general.html"
    form_class = GeneralForm
