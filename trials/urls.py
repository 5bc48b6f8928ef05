from django.urls import path

from trials import views

app_name = "trials"

urlpatterns = [
    path("studies/<slug:key>/protocol/", views.protocol, name="protocol"),
    path("studies/<slug:key>/move-day/", views.move_day, name="move-day"),
    path("studies/<slug:key>/accrual/", views.accrual, name="accrual"),
]
