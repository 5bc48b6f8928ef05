from django.urls import path, re_path

from reminders import casebook_views, signature_views

# A patient's code ends in a running number.
CASEBOOK = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)/casebook"

urlpatterns = [
    path("signatures/", signature_views.waiting, name="to-sign"),
    re_path(CASEBOOK + r"/$", casebook_views.casebook, name="casebook"),
    re_path(CASEBOOK + r"\.pdf$", casebook_views.pdf, name="casebook-pdf"),
]
