from django.urls import path

from trials import access_review_views, views

app_name = "trials"

urlpatterns = [
    path("people/access/", access_review_views.access, name="who-has-access"),
    path("people/access/<int:number>/", access_review_views.review, name="access-review"),
    path("studies/<slug:key>/protocol/", views.protocol, name="protocol"),
    path("studies/<slug:key>/move-day/", views.move_day, name="move-day"),
    path("studies/<slug:key>/accrual/", views.accrual, name="accrual"),
]
