# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest of an Outlook add-in such as the Management Node generates."""

from __future__ import annotations

APP_ID = "3f2b7a52-6a0c-4f0e-9b57-0c1b54a6d9e1"


def manifest(
    version: str = "1.0.0.0", *, app_id: str = APP_ID, permission: str = "ReadWriteItem", more: str = ""
) -> str:
    """Its text; ``more`` stands at the end, within the root element."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1"
    xmlns:bt="http://schemas.microsoft.com/office/officeappbasictypes/1.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="MailApp">
  <Id>{app_id}</Id>
  <Version>{version}</Version>
  <ProviderName>Pexip</ProviderName>
  <DefaultLocale>en-US</DefaultLocale>
  <DisplayName DefaultValue="Pexip scheduling" />
  <Description DefaultValue="Book a meeting in a Pexip room; see https://www.example.com" />
  <IconUrl DefaultValue="https://join.contoso.com/static/icon-64.png" />
  <SupportUrl DefaultValue="https://support.contoso.com" />
  <AppDomains>
    <AppDomain>https://join.contoso.com</AppDomain>
  </AppDomains>
  <Hosts>
    <Host Name="Mailbox" />
  </Hosts>
  <Requirements>
    <Sets DefaultMinVersion="1.3">
      <Set Name="Mailbox" />
    </Sets>
  </Requirements>
  <FormSettings>
    <Form xsi:type="ItemEdit">
      <DesktopSettings>
        <SourceLocation DefaultValue="https://join.contoso.com/add-in/index.html" />
      </DesktopSettings>
    </Form>
  </FormSettings>
  <Permissions>{permission}</Permissions>
  {more}
</OfficeApp>
"""
