from django.urls import path

from accounts import people_views, views

app_name = "accounts"

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("still-here/", views.still_here, name="still-here"),
    path("account/password/", people_views.password, name="password"),
    path("invitation/<str:token>/", people_views.invitation, name="invitation"),
    path("people/", people_views.people, name="people"),
    path("people/invite/", people_views.invite, name="invite"),
    path("people/lockouts/", people_views.lockouts, name="lockouts"),
    path("people/sign-ins/", people_views.sign_ins, name="sign-ins"),
    path("people/person/<str:username>/", people_views.person, name="person"),
    path("people/person/<str:username>/new-link/", people_views.new_link, name="new-link"),
    path("people/person/<str:username>/<slug:act>/", people_views.change, name="change-person"),
]
