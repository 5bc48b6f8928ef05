from django.urls import URLPattern, path

from dosing import setup_people_views, setup_preview_views, setup_section_views, setup_views, start_views

HERE = "studies/<slug:key>/setup/"

urlpatterns: list[URLPattern] = [
    path("start-a-study/", start_views.start, name="start-study"),
    path("start-a-study/<slug:way>/", start_views.start_by, name="start-study-by"),
    path(HERE, setup_views.overview, name="setup"),
    path(f"{HERE}study-file/", setup_views.study_file, name="setup-file"),
    path(f"{HERE}people/", setup_people_views.people, name="setup-people"),
    path(f"{HERE}people/<int:membership_id>/end/", setup_people_views.end, name="setup-end-role"),
    path(f"{HERE}preview/", setup_preview_views.preview, name="setup-preview"),
    path(f"{HERE}sign/", setup_views.sign, name="setup-sign"),
    path(f"{HERE}go-live/", setup_views.live, name="setup-live"),
    # Last: a section is called as it is in the study file, and none is called as one of those above.
    path(f"{HERE}<slug:section>/", setup_section_views.section, name="setup-section"),
]
