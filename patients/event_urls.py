"""Addresses of the pages about adverse events, DLT judgements and the DLT window; patients.urls takes them in."""

from django.urls import path, re_path

from patients import event_views

PATIENT = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)"
EVENT = PATIENT + r"/events/(?P<pk>\d+)"

event_urlpatterns = [
    path("studies/<slug:key>/ctcae/", event_views.terms, name="terms"),
    re_path(PATIENT + r"/event/$", event_views.RecordEventPage.as_view(), name="event"),
    re_path(EVENT + r"/$", event_views.EventPage.as_view(), name="event-detail"),
    re_path(EVENT + r"/judge/$", event_views.JudgePage.as_view(), name="event-judge"),
    re_path(EVENT + r"/resolve/$", event_views.ResolvePage.as_view(), name="event-resolve"),
    re_path(EVENT + r"/correct/$", event_views.CorrectEventPage.as_view(), name="event-correct"),
    re_path(PATIENT + r"/window/$", event_views.WindowPage.as_view(), name="window"),
    re_path(PATIENT + r"/replace/$", event_views.ReplacePage.as_view(), name="replace"),
]
