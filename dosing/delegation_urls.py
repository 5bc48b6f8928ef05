"""Addresses of the log of delegations and of the table of permissions."""

from django.urls import URLPattern, path

from dosing import delegation_views as views

urlpatterns: list[URLPattern] = [
    path("studies/<slug:key>/delegation/", views.log, name="delegation"),
    path("studies/<slug:key>/delegation/log.pdf", views.log_pdf, name="delegation-pdf"),
    path("studies/<slug:key>/delegation/who-may-do-what/", views.who_may, name="who-may"),
]
