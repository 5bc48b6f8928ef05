"""Addresses of large simulations."""

from django.urls import URLPattern, path

from dosing import simulation_views as views

urlpatterns: list[URLPattern] = [
    path("designs/simulations/", views.start, name="simulation-start"),
    path("designs/simulations/<int:pk>/", views.simulation, name="simulation"),
    path("designs/simulations/<int:pk>/progress/", views.progress, name="simulation-progress"),
    path("designs/simulations/<int:pk>/cancel/", views.cancel, name="simulation-cancel"),
]
