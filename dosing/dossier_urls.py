from django.urls import path

from dosing import dossier_views as views

urlpatterns = [
    path("studies/<slug:key>/decisions/<int:number>/dossier.pdf", views.pdf, name="dossier"),
    path("studies/<slug:key>/decisions/<int:number>/dossier.zip", views.archive, name="dossier-zip"),
]
