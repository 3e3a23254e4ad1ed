from __future__ import annotations

from django.urls import include, path

from chatbranch.branch import views
from chatbranch.branch.recovery import views as recovery

urlpatterns = [
    path("found/<str:token>/", views.found, name="found"),
    path("join/<str:token>/", views.join, name="join"),
    path("renew/<str:token>/", views.renew, name="renew"),
    path("desk/members/", views.members, name="members"),
    path("desk/members/invite/", views.invite, name="invite"),
    path(
        "desk/members/invitations/<uuid:key>/withdraw/", views.withdraw_invitation, name="withdraw_invitation"
    ),
    path("desk/members/code/", views.sign_code, name="sign_code"),
    path("desk/members/invitations/<uuid:key>/vouch/", views.vouch, name="vouch"),
    path("desk/members/interests/", views.declare_interest, name="declare_interest"),
    path("desk/members/interests/<uuid:key>/end/", views.end_interest, name="end_interest"),
    path("desk/members/outlets/<uuid:key>/bloc/", views.change_bloc, name="change_bloc"),
    path("desk/members/peers/<uuid:key>/end/", views.end_peer, name="end_peer"),
    path("desk/members/<uuid:key>/role/", views.set_role, name="set_role"),
    path("desk/members/charter/", views.write_charter, name="write_charter"),
    path("desk/notices/<uuid:key>/read/", views.read_notice, name="read_notice"),
    path("desk/members/leave/", views.leave, name="leave"),
    path("recover/<str:token>/", recovery.recover, name="recover"),
    path("desk/members/help/", recovery.help_back, name="help_back"),
    path("", include("chatbranch.branch.proving.urls")),
]
