"""The administrators' pages about people, the link by which one chooses a password, and changing one's own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import operations
from accounts.adapters import tell_of_change
from accounts.errors import CannotSignIn, NotAllowed, WeakPassword
from accounts.mail import tell
from accounts.models import FailedAttempt, Lockout, User
from accounts.operations.invitations import digest_of
from accounts.people_forms import (
    ChangePasswordForm,
    ChoosePasswordForm,
    InviteForm,
    ReasonForm,
    SignInFilter,
    refuse_into,
)
from accounts.queries import open_invitation, people_listed

REFUSED = 409
FAILURES_SHOWN = 100
SIGN_INS_A_PAGE = 100
Page = Callable[..., HttpResponse]


def for_administrators(view: Page) -> Page:
    """403 for everybody else."""

    @login_required
    @never_cache
    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not cast(User, request.user).is_administrator:
            raise PermissionDenied("Only administrators look after people's accounts.")
        return view(request, *args, **kwargs)

    return run


@for_administrators
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/people.html", {"people": people_listed()})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    form, status = InviteForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            person, token = operations.invite_person(**form.cleaned_data, by=_me(request), at=timezone.now())
            _send_link(request, person, token)
            return redirect("accounts:person", person.username)
        except NotAllowed as refused:
            refuse_into(form, refused)
    if form.errors:
        status = REFUSED
    return render(request, "accounts/invite.html", {"form": form}, status=status)


@for_administrators
@require_safe
def person(request: HttpRequest, username: str) -> HttpResponse:
    return _person_page(request, _person(username))


@for_administrators
@require_POST
def new_link(request: HttpRequest, username: str) -> HttpResponse:
    whose = _person(username)
    try:
        _send_link(request, whose, operations.send_new_link(person=whose, by=_me(request), at=timezone.now()))
    except NotAllowed as refused:
        messages.error(request, refused.sentence)
    return redirect("accounts:person", username)


ACTS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "close": (operations.deactivate_person, {}, "The account is closed; sessions and tokens have ended."),
    "reopen": (operations.reopen_person, {}, "The account is open. Send a link, so that a password can be chosen."),
    "reset-second-factor": (operations.reset_second_factor, {}, "The second factor is gone; a new one can be set up."),
    "appoint": (operations.appoint_administrator, {"appointed": True}, "Is an administrator now."),
    "dismiss": (operations.appoint_administrator, {"appointed": False}, "Is no administrator any more."),
}


@for_administrators
@require_POST
def change(request: HttpRequest, username: str, act: str) -> HttpResponse:
    """What needs a reason: closing, opening again, resetting the second factor, appointing."""
    if act not in ACTS:
        raise Http404("There is no such change.")
    whose, form = _person(username), ReasonForm(request.POST)
    operation, more, done = ACTS[act]
    if form.is_valid():
        try:
            operation(person=whose, reason=form.cleaned_data["reason"], by=_me(request), at=timezone.now(), **more)
            messages.success(request, done)
            if act == "reset-second-factor":
                tell_of_change(whose, "An administrator has removed your second factor.")
            return redirect("accounts:person", username)
        except NotAllowed as refused:
            refuse_into(form, refused)
    return _person_page(request, whose, act=act, form=form)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def lockouts(request: HttpRequest) -> HttpResponse:
    """Who is locked out now, and the latest failures; here a lock-out is released."""
    form, status, chosen = ReasonForm(), 200, request.POST.get("lockout", "")
    if request.method == "POST":
        form = ReasonForm(request.POST)
        lockout = get_object_or_404(Lockout, pk=int(chosen) if chosen.isdecimal() else 0)
        if form.is_valid():
            try:
                operations.release_lockout(
                    lockout=lockout, reason=form.cleaned_data["reason"], by=_me(request), at=timezone.now()
                )
                messages.success(request, f"{lockout.user or lockout.address or 'The name'} can try again at once.")
                return redirect("accounts:lockouts")
            except NotAllowed as refused:
                refuse_into(form, refused)
        status = REFUSED
    context = {
        "form": form,
        "chosen": chosen,
        "in_force": Lockout.objects.in_force().select_related("user"),
        "failures": FailedAttempt.objects.select_related("user")[:FAILURES_SHOWN],
    }
    return render(request, "accounts/lockouts.html", context, status=status)


@for_administrators
@require_safe
def sign_ins(request: HttpRequest) -> HttpResponse:
    """Who signed in and out and who failed to, of the access log; as many queries for any number of rows."""
    form = SignInFilter(request.GET)
    kept = Paginator(form.found(), SIGN_INS_A_PAGE).get_page(request.GET.get("page"))
    people = User.objects.in_bulk({one.person_id for one in kept if one.person_id})
    rows = [(one, people.get(one.person_id or 0)) for one in kept]
    context = {"form": form, "rows": rows, "kept": kept, "query": form.query_string()}
    return render(request, "accounts/sign_ins.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation: choose a password, once."""
    found = open_invitation(digest_of(token), timezone.now())
    if found is None:
        return render(request, "accounts/link_used_up.html", status=410)
    form, status = ChoosePasswordForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data["password"]
            operations.accept_invitation(token=token, password=given, by=found.user, at=timezone.now())
            messages.success(request, "Your password is set. Sign in with it.")
            return redirect("accounts:sign-in")
        except WeakPassword as weak:
            form.add_error("password", str(weak))
        except NotAllowed as refused:
            refuse_into(form, refused)
    if form.errors:
        status = REFUSED
    answer = render(request, "accounts/choose_password.html", {"form": form, "person": found.user}, status=status)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; all other sessions end."""
    me, form, status = _me(request), ChangePasswordForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            operations.check_password_again(person=me, password=given["present"], at=now)
            operations.change_password(person=me, password=given["password"], by=me, at=now)
            update_session_auth_hash(request, me)
            tell_of_change(me, "Your password was changed.")
            messages.success(request, "Your password is changed. All your other sessions have ended.")
            return redirect("reminders:home")
        except WeakPassword as weak:
            form.add_error("password", str(weak))
        except CannotSignIn as refused:
            form.add_error("present", refused.sentence)
    if form.errors:
        status = REFUSED
    return render(request, "accounts/password.html", {"form": form}, status=status)


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)


def _person(username: str) -> User:
    return get_object_or_404(User.objects.people(), username=username)


def _person_page(request: HttpRequest, whose: User, act: str = "", form: ReasonForm | None = None) -> HttpResponse:
    listed = next(one for one in people_listed() if one.person.pk == whose.pk)
    context = {"listed": listed, "whose": whose, "act": act, "form": form or ReasonForm(), "refused": form is not None}
    return render(request, "accounts/person.html", context, status=REFUSED if form else 200)


def _send_link(request: HttpRequest, whose: User, token: str) -> None:
    """Tell the person; where the mail server takes nothing, tell the administrator that it has to be tried again."""
    address = f"{settings.PUBLIC_URL}{reverse('accounts:invitation', args=[token])}"
    text = (
        f"{whose.full_name},\n\n{_me(request).full_name} has opened the way for you to choose a password for Rung. Your"
        f" user name is {whose.username}.\n\n{address}\n\nThe link works once, for three days.\n"
    )
    if tell([whose.email], "Choose your password for Rung", text):
        messages.success(request, f"A link was sent to {whose.email}. It works once, for three days.")
    else:
        messages.error(request, "The mail server did not take the message: send a new link when it does.")
