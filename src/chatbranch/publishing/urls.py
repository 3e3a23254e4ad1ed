"""The addresses of what is published."""

from __future__ import annotations

from django.urls import path

from chatbranch.publishing import views

urlpatterns = [
    path("claims/<uuid:claim_id>/card.png", views.card_picture, name="card-picture"),
    path("c/<str:code>", views.card_code, name="card-code"),
]
