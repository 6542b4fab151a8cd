#!/usr/bin/env bash
# Takes away what lies outside the app's own resource group: event subscriptions, system topics that we made, roles,
# the policy. azd runs it before `azd down`. It never touches an API Management service: checks and negotiation stay
# as they are. To take checks out first, use `apimend release` (docs/operate.md).
set -euo pipefail

: "${AZURE_ENV_NAME:?}" "${APIMEND_APP_PRINCIPAL_ID:?}"
group=${APIMEND_MANAGEMENT_GROUP:-}
subscriptions=${APIMEND_TEARDOWN_SUBSCRIPTIONS:-$(az account list --query '[].id' --output tsv)}

if [ -n "$group" ]; then
    scope=/providers/Microsoft.Management/managementGroups/$group
    az policy assignment delete --name apimend-subscribe --scope "$scope" || true
    az policy definition delete --name apimend-subscribe --management-group "$group" || true
fi

for subscription in $subscriptions; do
    echo "Subscription $subscription"
    az role assignment list --subscription "$subscription" --all --assignee "$APIMEND_APP_PRINCIPAL_ID" \
        --query '[].id' --output tsv | xargs -r -n 1 az role assignment delete --ids
    az eventgrid system-topic list --subscription "$subscription" \
        --query '[].{name:name, group:resourceGroup}' --output tsv | while read -r topic home; do
        for name in apimend-instances apimend-vaults apimend-certificates; do
            az eventgrid system-topic event-subscription delete --subscription "$subscription" --yes \
                --system-topic-name "$topic" --resource-group "$home" --name "$name" 2>/dev/null || true
        done
        case $topic in # ours by name; topics of others stay
        evgst-apimend-*) az eventgrid system-topic delete --subscription "$subscription" --yes \
            --name "$topic" --resource-group "$home" ;;
        esac
    done
    if [ "$(az group show --subscription "$subscription" --name rg-apimend-events \
        --query "tags.\"azd-env-name\"" --output tsv 2>/dev/null || true)" = "$AZURE_ENV_NAME" ]; then
        az group delete --subscription "$subscription" --name rg-apimend-events --yes
    fi
    az role definition list --subscription "$subscription" --custom-role-only true \
        --query "[?starts_with(roleName, 'Apimend ') && contains(roleName, '($AZURE_ENV_NAME,')].name" --output tsv |
        xargs -r -n 1 az role definition delete --subscription "$subscription" --custom-role-only true --name || true
done
echo "What is left is in the resource group rg-apimend-$AZURE_ENV_NAME."
