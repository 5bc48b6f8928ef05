"""Addresses of the design workbench."""

from django.urls import URLPattern, path

from dosing import workbench_views as views

urlpatterns: list[URLPattern] = [
    path("designs/", views.designs, name="designs"),
    path("designs/compare/", views.compare, name="compare"),
    path("designs/compare/results/", views.compare_results, name="compare-results"),
]
