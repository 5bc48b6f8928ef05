"""Addresses of the pages about height and weight, and about infusions."""

from django.urls import re_path

from patients.views import dosing

PATIENT = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)"

dose_urlpatterns = [
    re_path(PATIENT + r"/measurement/$", dosing.MeasurePage.as_view(), name="measure"),
    re_path(
        PATIENT + r"/measurements/(?P<pk>\d+)/correct/$",
        dosing.CorrectMeasurementPage.as_view(),
        name="correct-measurement",
    ),
    re_path(PATIENT + r"/infusion/$", dosing.InfusionPage.as_view(), name="infusion"),
    re_path(
        PATIENT + r"/infusions/(?P<pk>\d+)/correct/$", dosing.CorrectInfusionPage.as_view(), name="correct-infusion"
    ),
]
