"""Addresses of the pages about patients; those about adverse events and DLTs stand in event_urls."""

from django.urls import path, re_path

from patients.activity_urls import activity_urlpatterns
from patients.dose_urls import dose_urlpatterns
from patients.event_urls import event_urlpatterns
from patients.views import ending, entering, listing, outcomes, treatment

app_name = "patients"

# A patient's code ends in a running number, which keeps /patients/new/ apart.
PATIENT = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)"
CYCLE = PATIENT + r"/cycles/(?P<number>\d+)"
VISIT = PATIENT + r"/follow-up/(?P<number>\d+)"
OUTCOME = PATIENT + r"/outcomes/(?P<pk>\d+)"

urlpatterns = [
    path("studies/<slug:key>/patients/", listing.PatientList.as_view(), name="list"),
    path("studies/<slug:key>/patients/new/", listing.Screen.as_view(), name="screen"),
    re_path(PATIENT + r"/consent/$", entering.ConsentPage.as_view(), name="consent"),
    re_path(PATIENT + r"/eligibility/$", entering.EligibilityPage.as_view(), name="eligibility"),
    re_path(PATIENT + r"/reserve/$", entering.ReservePage.as_view(), name="reserve"),
    re_path(PATIENT + r"/screen-failure/$", entering.ScreenFailurePage.as_view(), name="screen-failure"),
    re_path(PATIENT + r"/register/$", entering.RegisterPage.as_view(), name="register"),
    re_path(PATIENT + r"/regimen/$", entering.RegimenPage.as_view(), name="regimen"),
    re_path(PATIENT + r"/start-cycle/$", treatment.StartCyclePage.as_view(), name="start-cycle"),
    re_path(CYCLE + r"/correct/$", treatment.CorrectCyclePage.as_view(), name="correct-cycle"),
    re_path(PATIENT + r"/doses/$", treatment.DosesPage.as_view(), name="doses"),
    re_path(PATIENT + r"/interruption/$", treatment.InterruptionPage.as_view(), name="interruption"),
    re_path(PATIENT + r"/interruptions/(?P<pk>\d+)/resume/$", treatment.ResumePage.as_view(), name="resume"),
    re_path(PATIENT + r"/reduce/$", treatment.ReducePage.as_view(), name="reduce"),
    re_path(PATIENT + r"/retreat/$", treatment.RetreatPage.as_view(), name="retreat"),
    re_path(PATIENT + r"/discontinue/$", ending.DiscontinuePage.as_view(), name="discontinue"),
    re_path(
        PATIENT + r"/discontinue/correct/$", ending.CorrectDiscontinuationPage.as_view(), name="correct-discontinuation"
    ),
    re_path(PATIENT + r"/continuation/$", ending.ContinuationPage.as_view(), name="continuation"),
    re_path(PATIENT + r"/follow-up/$", ending.FollowUpPage.as_view(), name="follow-up"),
    re_path(VISIT + r"/correct/$", ending.CorrectFollowUpPage.as_view(), name="correct-follow-up"),
    re_path(PATIENT + r"/outcome/$", outcomes.OutcomePage.as_view(), name="outcome"),
    re_path(OUTCOME + r"/correct/$", outcomes.CorrectOutcomePage.as_view(), name="correct-outcome"),
    *dose_urlpatterns,
    *activity_urlpatterns,
    *event_urlpatterns,
]
