from django.urls import URLPattern, path

from dosing import design_views

urlpatterns: list[URLPattern] = [
    path("designs/table/", design_views.table, name="design-table"),
    path("designs/paths/", design_views.paths, name="design-paths"),
]
