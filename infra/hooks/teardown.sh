#!/usr/bin/env bash
# Takes away what lies outside the app's own resource group: event subscriptions, system topics that we made, the
# policy, role assignments and roles. azd runs it before `azd down`. It never touches an API Management service: checks
# and negotiation stay as they are. To take checks out first, use `apimend release` (docs/operate.md).
set -euo pipefail

: "${AZURE_ENV_NAME:?}" "${APIMEND_APP_PRINCIPAL_ID:?}"
group=${APIMEND_MANAGEMENT_GROUP:-}
subscriptions=${APIMEND_TEARDOWN_SUBSCRIPTIONS:-$(az account list --query '[].id' --output tsv)}
ours="starts_with(roleName, 'Apimend ') && contains(roleName, '($AZURE_ENV_NAME,')"
held="starts_with(roleDefinitionName, 'Apimend ') && contains(roleDefinitionName, '($AZURE_ENV_NAME,')"

roles() { # the assignments of our roles at a scope, whoever holds them, and then the roles
    az role assignment list --scope "$1" --query "[?scope=='$1' && $held].id" --output tsv |
        xargs -r -n 1 az role assignment delete --ids
    az role definition list --scope "$1" --custom-role-only true \
        --query "[?contains(assignableScopes, '$1') && $ours].name" --output tsv |
        xargs -r -n 1 az role definition delete --scope "$1" --custom-role-only true --name || true
}

if [ -n "$group" ]; then
    scope=/providers/Microsoft.Management/managementGroups/$group
    roles "$scope" # the policy's identity holds some, and is gone with its assignment
    az policy assignment delete --name apimend-subscribe --scope "$scope" || true
    az policy definition delete --name apimend-subscribe --management-group "$group" || true
fi

for subscription in $subscriptions; do
    echo "Subscription $subscription"
    az role assignment list --subscription "$subscription" --all --assignee "$APIMEND_APP_PRINCIPAL_ID" \
        --query '[].id' --output tsv | xargs -r -n 1 az role assignment delete --ids
    az eventgrid system-topic list --subscription "$subscription" \
        --query '[].[name, resourceGroup, tags."azd-env-name"]' --output tsv | while read -r topic home made; do
        for name in apimend-instances apimend-vaults apimend-certificates; do
            az eventgrid system-topic event-subscription delete --subscription "$subscription" --yes \
                --system-topic-name "$topic" --resource-group "$home" --name "$name" 2>/dev/null || true
        done
        case $topic/$made in # ours by name and tag; topics of others stay
        evgst-apimend-*/"$AZURE_ENV_NAME") az eventgrid system-topic delete --subscription "$subscription" --yes \
            --name "$topic" --resource-group "$home" ;;
        esac
    done
    if [ "$(az group show --subscription "$subscription" --name rg-apimend-events \
        --query "tags.\"azd-env-name\"" --output tsv 2>/dev/null || true)" = "$AZURE_ENV_NAME" ]; then
        az group delete --subscription "$subscription" --name rg-apimend-events --yes
    fi
    if az group show --subscription "$subscription" --name "rg-apimend-$AZURE_ENV_NAME" >/dev/null 2>&1; then
        roles "/subscriptions/$subscription/resourceGroups/rg-apimend-$AZURE_ENV_NAME"
    fi
    roles "/subscriptions/$subscription"
done
echo "What is left is in the resource group rg-apimend-$AZURE_ENV_NAME."
