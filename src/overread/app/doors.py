"""The HTTP application of a wired site."""

from __future__ import annotations

from fastapi import FastAPI

from overread.access.role import Principal
from overread.api.app import create_app
from overread.api.dicomweb.door import DicomWebDoor, make_dicomweb
from overread.api.ports import ApiBounds, ApiDependencies, ListedModel
from overread.app.wiring import Site
from overread.audit.event import AuditAction
from overread.governance.phase import Phase


def build_api(site: Site) -> FastAPI:
    """Fill the doors' dependencies from the site's parts."""
    settings, stores = site.settings, site.stores
    return create_app(
        ApiDependencies(
            archive=site.archive,
            quarantine=stores.quarantine,
            events=stores.events,
            worklist=stores.worklist,
            results=stores.results,
            jobs=stores.jobs,
            audit=stores.audit,
            identity=stores.identity,
            list_models=lambda: list_models(site),
            start_inference=site.dispatcher.ask,
            scratch_dir=settings.scratch_dir,
            dicomweb=build_dicomweb(site),
            is_cookie_secure=settings.secure_cookies,
            bounds=ApiBounds(stow_bytes=settings.max_upload_bytes),
        )
    )


def build_dicomweb(site: Site) -> FastAPI:
    """STOW-RS, QIDO-RS and WADO-RS in front of the site's archive."""
    settings, stores = site.settings, site.stores

    async def record(principal: Principal, action: AuditAction, study_uid: str) -> None:
        await stores.audit.record(principal.name, action, study_instance_uid=study_uid)

    return make_dicomweb(
        DicomWebDoor(
            archive=site.archive,
            quarantine=stores.quarantine,
            on_stored=site.take,
            on_quarantined=stores.receipts("gateway").note_quarantined,
            audit=record,
            scratch_dir=settings.scratch_dir,
            max_instance_bytes=settings.max_instance_bytes,
        )
    )


def list_models(site: Site) -> list[ListedModel]:
    """All cards with their phase at this site; one without a rule is silent."""
    listed = []
    for card in site.models.list_cards():
        rule = site.policy().find_rule(card.ref)
        phase, note = (rule.phase, rule.note) if rule else (Phase.SILENT, "no phase rule")
        listed.append(ListedModel(card, str(phase), note))
    return listed
