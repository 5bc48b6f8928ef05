"""Addresses of saved comparisons."""

from django.urls import URLPattern, path

from dosing import comparison_views as views

urlpatterns: list[URLPattern] = [
    path("designs/comparisons/save/", views.save, name="comparison-save"),
    path("designs/comparisons/<int:pk>/", views.comparison, name="comparison"),
    path("designs/comparisons/<int:pk>/put-away/", views.put_away, name="comparison-put-away"),
    path("designs/comparisons/<int:pk>/appendix.pdf", views.pdf, name="appendix-pdf"),
    path("designs/comparisons/<int:pk>/appendix.csv", views.csv, name="appendix-csv"),
    path("designs/comparisons/<int:pk>/use/<int:place>/", views.use, name="use-design"),
]
