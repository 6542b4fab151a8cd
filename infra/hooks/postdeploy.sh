#!/usr/bin/env bash
# Runs after azd has deployed the code: a first desired state, and the event subscriptions, which Event Grid makes only
# for a function that exists. Safe to run again. azd hands over the outputs of infra/main.bicep as variables.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${AZURE_ENV_NAME:?}" "${AZURE_LOCATION:?}" "${APIMEND_FUNCTION_APP_ID:?}" "${APIMEND_STORAGE_NAME:?}"

if [ "$(az storage blob exists --auth-mode login --account-name "$APIMEND_STORAGE_NAME" \
    --container-name desired-state --name desired.yaml --query exists --output tsv)" = false ]; then
    az storage blob upload --auth-mode login --account-name "$APIMEND_STORAGE_NAME" --only-show-errors \
        --container-name desired-state --name desired.yaml --file desired.starter.yaml --output none
    echo "Put a first desired state into the container desired-state: report mode for every instance."
fi

if [ "${APIMEND_BY_MANAGEMENT_GROUP:-false}" = true ]; then
    echo "Next: infra/tenant.bicep at your management group (docs/deploy.md, stage 2)."
    exit 0
fi

if [ "${APIMEND_EVENTS:-true}" != true ]; then
    echo "APIMEND_EVENTS is not true: this environment sweeps by timer, and hears no events."
    exit 0
fi
# Azure allows one system topic for a subscription. A second environment would take the first one's events away.
owner=$(az eventgrid system-topic show --name evgst-apimend-subscription --resource-group rg-apimend-events \
    --query 'tags."azd-env-name"' --output tsv 2>/dev/null || true)
if [ -n "$owner" ] && [ "$owner" != "$AZURE_ENV_NAME" ]; then
    echo "The events of this subscription go to the environment $owner; this one sweeps by timer." \
        "To move them here, run infra/events.bicep by hand (docs/upgrade.md)."
    exit 0
fi

extra=() # used so that the bash 3 of macOS takes an empty one
if [ -f events.parameters.json ]; then # subscriptions and vaults besides; docs/deploy.md shows one
    extra=(--parameters @events.parameters.json)
fi
az deployment sub create --name "apimend-events-$AZURE_ENV_NAME" --location "$AZURE_LOCATION" \
    --template-file events.bicep --output none --parameters \
    environmentName="$AZURE_ENV_NAME" location="$AZURE_LOCATION" \
    functionAppId="$APIMEND_FUNCTION_APP_ID" storageId="$APIMEND_STORAGE_ID" \
    eventsIdentityId="$APIMEND_EVENTS_IDENTITY_ID" actionGroupId="$APIMEND_ACTION_GROUP_ID" \
    ${extra[@]+"${extra[@]}"}
echo "Event Grid delivers to on_resource_change."
