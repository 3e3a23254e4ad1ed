from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "chatbranch.site"
    label = "site"

    def ready(self) -> None:
        """Where a page of one slice is joined by what a slice above it knows, it is joined here."""
        from chatbranch.cases.views import add_alarm
        from chatbranch.claims.views import add_to_page
        from chatbranch.conduct.desk_views import appeal_alarm
        from chatbranch.intake.openapi import add_paths
        from chatbranch.intake.views import on_claim_page
        from chatbranch.publiclog.views import effect_alarm, proof_on_claim_page, witnessing_alarm
        from chatbranch.publishing.openapi import paths
        from chatbranch.publishing.views import pass_on_claim_page

        add_to_page(on_claim_page)
        add_to_page(proof_on_claim_page)
        add_to_page(pass_on_claim_page)
        add_paths(paths)
        add_alarm(effect_alarm)
        add_alarm(witnessing_alarm)
        add_alarm(appeal_alarm)
