from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "chatbranch.site"
    label = "site"
