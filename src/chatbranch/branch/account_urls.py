"""The addresses of django-allauth that this house uses: signing in and out, the password, the second factor. No sign-up."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path

from chatbranch.branch import views
from chatbranch.branch.provider import views as provider
from chatbranch.branch.recovery import views as recovery
from chatbranch.branch.sessions import views as sessions

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("lost/", views.lost_keys, name="account_reset_password"),
    path("lost/ask/", recovery.ask, name="ask_recovery"),
    path("recoveries/", recovery.recoveries, name="recoveries"),
    path("recoveries/<uuid:key>/stop/", recovery.stop, name="stop_recovery"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/others/end/", sessions.end_others, name="end_other_sessions"),
    path("sessions/<uuid:key>/end/", sessions.end, name="end_session"),
    path("provider/", provider.go, name="provider"),
    path("provider/back/", provider.back, name="provider_back"),
    path("linked/", provider.linked, name="linked"),
    path("linked/link/", provider.link, name="link_sign_in"),
    path("linked/unlink/", provider.unlink, name="unlink_sign_in"),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("2fa/codes/generate/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("2fa/codes/download/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("2fa/passkeys/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("2fa/passkeys/login/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"
    ),
    path("2fa/passkeys/<int:pk>/remove/", views.remove_passkey, name="mfa_remove_webauthn"),
    path("2fa/passkeys/<int:pk>/edit/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
]
