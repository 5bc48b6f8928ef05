from django.urls import path, re_path

from labs import patient_views, views

app_name = "labs"

# A patient's code ends in a running number, which keeps /patients/new/ apart.
PATIENT = r"^studies/(?P<key>[-\w]+)/patients/(?P<code>[^/]+-\d+)"
SAMPLE = PATIENT + r"/samples/(?P<timepoint>[-\w]+)"

urlpatterns = [
    path("studies/<slug:key>/samples/", views.samples, name="samples"),
    path("studies/<slug:key>/samples/labels/", views.label_sheet, name="label-sheet"),
    re_path(SAMPLE + r"/collect/$", views.collect, name="collect"),
    re_path(SAMPLE + r"/miss/$", views.miss, name="miss"),
    re_path(SAMPLE + r"/correct/$", views.correct, name="correct"),
    re_path(SAMPLE + r"/labels/$", views.label, name="label"),
    re_path(PATIENT + r"/$", patient_views.patient, name="patient"),
]
