"""The log's pages and proofs; its files are served beside them (serving.py)."""

from __future__ import annotations

from django.urls import path

from chatbranch.publiclog import views

urlpatterns = [
    path("log/", views.log, name="log"),
    path("log/<int:index>/", views.entry, name="log-entry"),
    path("log/<int:index>.tlog-proof", views.proof_file, {"ending": "tlog-proof"}, name="log-proof"),
    path("log/<int:index>.spicy", views.proof_file, {"ending": "spicy"}, name="log-spicy"),
    path("desk/requests/", views.requests, name="requests"),
]
