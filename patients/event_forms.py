"""Forms about adverse events and DLTs. They parse what was typed; the operations say whether it is allowed."""

from typing import Any

from django import forms
from django.http import QueryDict

from patients import ctcae
from patients.forms import day_field, one_of, reason_for_change, text_field
from patients.models import AdverseEvent, Attribution
from trials.protocol import Protocol

JUDGEMENTS = [("yes", "It is a DLT"), ("no", "Not a DLT, because …")]


class EventForm(forms.Form):
    """An adverse event: term, grade, days, relation to each agent, serious or not."""

    term = forms.CharField(label="What happened", max_length=200, help_text="Term of CTCAE v5.0, as the protocol asks")
    detail = forms.CharField(
        label="More precisely (optional)", max_length=300, required=False, help_text="Needed for “Other, specify”"
    )
    grade = forms.TypedChoiceField(label="Grade", coerce=int, choices=[(n, str(n)) for n in range(1, 6)])
    onset_on = day_field("Began on")
    resolved_on = day_field("Resolved on (optional)", required=False, help_text="Leave empty while it goes on")
    serious = forms.BooleanField(
        label="Serious",
        required=False,
        help_text="Fatal, life-threatening, a hospital stay, lasting disability, or another important medical event",
    )

    def __init__(self, *args: Any, protocol: Protocol, terms_url: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.agents = {agent.code: agent.name for agent in protocol.agents}
        self.fields["term"].widget.attrs |= {
            "data-combobox": "",
            "data-url": terms_url,
            "autocomplete": "off",
            "spellcheck": "false",
        }
        relations = [("", "Choose …"), *Attribution.Relation.choices]
        for code, name in self.agents.items():
            self.fields[f"relation_{code}"] = forms.ChoiceField(label=f"Related to {name.lower()}", choices=relations)
        self.order_fields(["term", "detail", "grade", "onset_on", "resolved_on", *self.relation_names, "serious"])

    @property
    def relation_names(self) -> list[str]:
        return [f"relation_{code}" for code in self.agents]

    @property
    def relation_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.relation_names]

    @property
    def chosen_term(self) -> ctcae.Term | None:
        """The CTCAE term that stands in the field now."""
        return ctcae.find(str(self["term"].value() or ""))

    @property
    def suggestions(self) -> list[ctcae.Term]:
        """What may have been meant, where the field holds no term of CTCAE."""
        return ctcae.search(str(self["term"].value() or ""), 8) if self.chosen_term is None else []

    @property
    def grade_options(self) -> list[dict[str, Any]]:
        """Five cards with the meaning of each grade; those that CTCAE does not have cannot be chosen."""
        term = self.chosen_term
        if term is None:
            return [{"value": str(n), "label": str(n), "detail": ""} for n in range(1, 6)]
        return [
            {
                "value": str(n),
                "label": str(n),
                "detail": term.grades[n - 1] or f"{ctcae.NO_SUCH_GRADE} not in CTCAE",
                "disabled": n not in term.possible_grades,
            }
            for n in range(1, 6)
        ]

    @property
    def chosen_grade(self) -> str:
        return str(self["grade"].value() or "")

    def facts(self) -> dict[str, Any]:
        """What was typed, as the operations take it."""
        given = self.cleaned_data
        relations = {code: given[f"relation_{code}"] for code in self.agents}
        names = ("term", "detail", "grade", "onset_on", "resolved_on", "serious")
        return {**{name: given[name] for name in names}, "relations": relations}

    def draft(self) -> dict[str, Any] | None:
        """Term, grade, onset and relations, for looking at the DLT rules; None while one is missing or cannot be."""
        cleaned: dict[str, Any] = {}
        for name in ("term", "grade", "onset_on", *self.relation_names):
            field = self.fields[name]
            try:
                value = self[name].value()
                cleaned[name] = field.clean(value)
            except forms.ValidationError:
                return None
        term = self.chosen_term
        if term is None or cleaned["grade"] not in term.possible_grades:
            return None
        relations = {code: cleaned[f"relation_{code}"] for code in self.agents}
        return {"term": term.name, "grade": cleaned["grade"], "onset_on": cleaned["onset_on"], "relations": relations}


class RecordEventForm(EventForm):
    """With the judgement, which is asked for where a rule fires. shown_term: whose grades the page had shown."""

    shown_term = forms.CharField(required=False, widget=forms.HiddenInput)
    is_dlt = one_of("Your judgement", JUDGEMENTS, required=False)
    rationale = text_field("Why it is not a DLT", required=False, help_text="Needed when you judge that it is not")

    @property
    def judgements(self) -> list[dict[str, str]]:
        return [{"value": value, "label": label} for value, label in JUDGEMENTS]

    @property
    def chosen_judgement(self) -> str:
        return str(self["is_dlt"].value() or "")

    @property
    def judgement(self) -> bool | None:
        given = self.cleaned_data.get("is_dlt")
        return None if not given else given == "yes"

    @property
    def meaning_unseen(self) -> bool:
        """Whether the grade was chosen without its meaning: without script, the first step."""
        term = self.chosen_term
        return term is not None and ctcae.find(self.data.get("shown_term", "")) != term


class CorrectEventForm(EventForm):
    """With a reason. shown: the digest of what was recorded when the page was opened."""

    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = reason_for_change(required=True)

    def changes_from(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The facts that were typed and differ from those recorded (`initial_of`)."""
        typed = self.facts()
        relations = {a: r for a, r in typed.pop("relations").items() if stored.get(f"relation_{a}") != r}
        changed = {name: value for name, value in typed.items() if stored[name] != value}
        return changed | ({"relations": relations} if relations else {})


class ResolveForm(forms.Form):
    resolved_on = day_field("Resolved on")


class JudgeForm(forms.Form):
    """A judgement whether an event is a DLT. fires: a rule of the protocol does, so that 'not' needs a reason."""

    is_dlt = one_of("Your judgement", JUDGEMENTS)
    rationale = text_field("Why", required=False, help_text="Needed when a rule fires and you judge that it is not")

    @property
    def judgement(self) -> bool:
        return bool(self.cleaned_data["is_dlt"] == "yes")


class WindowForm(forms.Form):
    taken = forms.IntegerField(
        min_value=0, widget=forms.NumberInput(attrs={"class": "field-short", "inputmode": "numeric"})
    )

    def __init__(self, *args: Any, agent: str, planned: int, changes: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["taken"].label = f"Doses of {agent.lower()} taken in the window"
        self.fields["taken"].help_text = f"of {planned} planned"
        if changes:
            self.fields["reason"] = reason_for_change(required=True)


def initial_of(event: AdverseEvent) -> dict[str, Any]:
    """An event's facts as a form shows them."""
    names = ("term", "detail", "grade", "onset_on", "resolved_on", "serious")
    relations = {f"relation_{a.agent}": a.relation for a in event.attributions.all()}
    return {**{name: getattr(event, name) for name in names}, **relations}


def typed_so_far(query: QueryDict) -> dict[str, str]:
    """What has been typed, to be shown again without judging it."""
    return {name: str(value) for name, value in query.items() if value}
