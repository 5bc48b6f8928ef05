"""Addresses of the pages about activities of a patient's schedule."""

from django.urls import re_path

from patients.views import activities

ACTIVITY = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)/activities/(?P<which>[-\w.]+)"

activity_urlpatterns = [
    re_path(ACTIVITY + r"/done/$", activities.DonePage.as_view(), name="activity"),
    re_path(ACTIVITY + r"/missed/$", activities.MissedPage.as_view(), name="miss-activity"),
    re_path(ACTIVITY + r"/correct/$", activities.CorrectActivityPage.as_view(), name="correct-activity"),
]
