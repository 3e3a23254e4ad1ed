"""The desk's addresses; all of them for members only."""

from __future__ import annotations

from django.urls import path

from chatbranch.cases import rating_views, views

urlpatterns = [
    path("desk/", views.queue, name="desk"),
    path("desk/cases/<str:code>/", views.case, name="case"),
    path("desk/cases/<str:code>/comment/", views.comment, name="case-comment"),
    path("desk/cases/<str:code>/evidence/", views.evidence, name="case-evidence"),
    path("desk/cases/<str:code>/note/", views.note, name="case-note"),
    path("desk/cases/<str:code>/urgent/", views.urgent, name="case-urgent"),
    path("desk/cases/<str:code>/duty/", views.duty, name="case-duty"),
    path("desk/cases/<str:code>/party/", views.party, name="case-party"),
    path("desk/cases/<str:code>/party/<int:key>/undo/", views.undo_party, name="undo-party"),
    path("desk/cases/<str:code>/party/<int:key>/answer/", views.answer_party, name="answer-party"),
    path("desk/cases/<str:code>/close/", views.close, name="case-close"),
    path("desk/cases/<str:code>/reopen/", views.reopen, name="case-reopen"),
    path("desk/cases/<str:code>/merge/", views.merge, name="case-merge"),
    path("desk/cases/<str:code>/split/", views.split, name="case-split"),
    path("desk/cases/<str:code>/correct/", views.correct, name="case-correct"),
    path("desk/notes/<uuid:key>/rate/", rating_views.rate, name="rate"),
    path("rate/", rating_views.next_note, name="rate-next"),
    path("rate/digest/", rating_views.digest, name="digest"),
    path("rate/<str:token>/", rating_views.by_link, name="rate-by-link"),
    path("desk/files/<str:digest>/", views.file, name="case-file"),
    path("desk/objections/", views.objections, name="objections"),
    path("desk/objections/<uuid:key>/", views.answer_objection, name="answer-objection"),
    path("desk/deliveries/", views.delivery_ledger, name="deliveries"),
    path("desk/deliveries/<uuid:key>/retry/", views.retry_delivery, name="retry-delivery"),
]
