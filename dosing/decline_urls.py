from django.urls import path

from dosing import decline_views as views

urlpatterns = [
    path("studies/<slug:key>/decisions/<int:number>/decline/", views.decision, name="decline"),
    # Before the set-up's sections, of which none is called so.
    path("studies/<slug:key>/setup/decline/", views.set_up, name="setup-decline"),
]
