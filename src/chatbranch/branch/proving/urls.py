from __future__ import annotations

from django.urls import path

from chatbranch.branch.proving import views

urlpatterns = [
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<uuid:key>/", views.account, name="account"),
    path("accounts/evidence/<uuid:key>.txt", views.evidence, name="evidence_of_account"),
    path("desk/accounts/", views.own, name="own_accounts"),
    path("desk/accounts/add/", views.add, name="add_account"),
    path("desk/accounts/<uuid:key>/", views.prove, name="prove"),
    path("desk/accounts/<uuid:key>/start/", views.start, name="start_proving"),
    path("desk/accounts/<uuid:key>/close/", views.close, name="close_account"),
    path("desk/accounts/<uuid:key>/reopen/", views.reopen, name="reopen_account"),
    path("desk/accounts/provings/<uuid:key>/look/", views.look, name="look_at_proving"),
    path("desk/accounts/provings/<uuid:key>/see/", views.see, name="see_proving"),
]
