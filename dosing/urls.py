from django.urls import URLPattern, path

from dosing import (
    comparison_urls,
    decline_urls,
    delegation_urls,
    design_urls,
    dossier_urls,
    setup_urls,
    simulation_urls,
    views,
    workbench_urls,
)

app_name = "dosing"

urlpatterns: list[URLPattern] = [
    path("studies/<slug:key>/study/", views.study, name="study"),
    path("studies/<slug:key>/decision/", views.decision, name="decision"),
    path("studies/<slug:key>/decision/recommend/", views.recommend, name="recommend"),
    path("studies/<slug:key>/decisions/", views.decisions, name="decisions"),
    path("studies/<slug:key>/decisions/<int:number>/", views.decision_detail, name="decision-detail"),
    path("studies/<slug:key>/decisions/<int:number>/propose/", views.propose, name="propose"),
    path("studies/<slug:key>/decisions/<int:number>/sign/", views.sign, name="sign"),
    path("studies/<slug:key>/decisions/<int:number>/withdraw/", views.withdraw, name="withdraw"),
    *decline_urls.urlpatterns,
    *dossier_urls.urlpatterns,
    *delegation_urls.urlpatterns,
    *workbench_urls.urlpatterns,
    *comparison_urls.urlpatterns,
    *design_urls.urlpatterns,
    *simulation_urls.urlpatterns,
    *setup_urls.urlpatterns,
]
